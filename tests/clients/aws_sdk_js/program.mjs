// ENDPOINT BOT ALIAS USER: list all pages of conversations, and ask where the user's session stands.
import { LexModelsV2Client, ListSessionAnalyticsDataCommand } from "@aws-sdk/client-lex-models-v2";
import { GetSessionCommand, LexRuntimeV2Client } from "@aws-sdk/client-lex-runtime-v2";
import { NodeHttpHandler } from "@smithy/node-http-handler";

const [endpoint, botId, botAliasId, sessionId] = process.argv.slice(2);
const credentials = { accessKeyId: "local", secretAccessKey: "local" };
const client = { endpoint, region: "us-east-1", credentials, maxAttempts: 1 };

const models = new LexModelsV2Client(client);
const asked = { botId, startDateTime: new Date(0), endDateTime: new Date(), maxResults: 2 };
const sessions = [];
let nextToken;
do {
  const page = await models.send(new ListSessionAnalyticsDataCommand({ ...asked, nextToken }));
  sessions.push(...page.sessions.map((session) => session.sessionId));
  nextToken = page.nextToken;
} while (nextToken);

// this client speaks HTTP/2 by default, the query layer HTTP/1.1
const runtime = new LexRuntimeV2Client({ ...client, requestHandler: new NodeHttpHandler() });
const session = await runtime.send(new GetSessionCommand({ botId, botAliasId, localeId: "en_US", sessionId }));
console.log(JSON.stringify({ sessions, intent: session.sessionState.intent.name }));
