// ENDPOINT ORIGIN BOT: run page.mjs as a page of ORIGIN, under a browser's rules for requests to other origins.
import { buildSync } from "esbuild";
import { Window } from "happy-dom";

const [endpoint, url, bot] = process.argv.slice(2);
const built = buildSync({ entryPoints: ["page.mjs"], bundle: true, platform: "browser", write: false });
const evaluating = { enableJavaScriptEvaluation: true, suppressInsecureJavaScriptEnvironmentWarning: true };
const window = new Window({ url, settings: evaluating });
try {
  window.eval(built.outputFiles[0].text);
  console.log(JSON.stringify({ sessions: await window.list(endpoint, bot) }));
} catch (error) {
  console.log(JSON.stringify({ error: error.message }));
} finally {
  await window.happyDOM.close();
}
