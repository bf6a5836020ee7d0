// What a web page does: list conversations, with the SDK as bundlers make it for browsers.
import { LexModelsV2Client, ListSessionAnalyticsDataCommand } from "@aws-sdk/client-lex-models-v2";

globalThis.list = async (endpoint, botId) => {
  const credentials = { accessKeyId: "local", secretAccessKey: "local" };
  const lex = new LexModelsV2Client({ endpoint, region: "us-east-1", credentials, maxAttempts: 1 });
  const window = { startDateTime: new Date(0), endDateTime: new Date() };
  const found = await lex.send(new ListSessionAnalyticsDataCommand({ botId, ...window }));
  return found.sessions.map((session) => session.sessionId);
};
