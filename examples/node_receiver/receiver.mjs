// A receiver of Afterglow's webhooks, to run and to copy from: Node.js 20 or later, and `standardwebhooks`.
//
//     WEBHOOK_SECRETS=whsec_... node receiver.mjs
//
// It does what the receiver in Python does, in small: a small body, read once, as bytes; a signature, or it is nobody's;
// 204 when the id is on disk, and not before; a message counted once, however often it comes; missing numbers told.
// Ids are kept in a file. Where there is a database, keep them there, in the transaction of the work that they cause.
//
// One receiver is for one endpoint, since each endpoint counts for itself. Put something in front of it that ends TLS.

import { existsSync, fdatasyncSync, openSync, readFileSync, writeSync } from "node:fs";
import { createServer } from "node:http";
import { parseArgs } from "node:util";
import { Webhook } from "standardwebhooks";

const PATH = "/webhooks";
const LARGEST_BODY = 64 * 1024;

const { values: asked } = parseArgs({
  options: {
    host: { type: "string", default: "127.0.0.1" },
    port: { type: "string", default: "9000" }, // 0 takes a free one
    file: { type: "string", default: "received.jsonl" }, // where ids are kept
    patience: { type: "string", default: "60" }, // seconds until a missing number is told
    fetch: { type: "boolean", default: false }, // fetch what the events speak of
  },
});

function wanted(name) {
  const value = process.env[name];
  if (!value) {
    console.error(`set ${name} in the environment`);
    process.exit(2);
  }
  return value;
}

function secretsOf(text) {
  try {
    return text.split(",").map((secret) => new Webhook(secret.trim()));
  } catch {
    console.error("WEBHOOK_SECRETS must hold secrets (whsec_...), separated by commas"); // and none is printed
    process.exit(2);
  }
}

const secrets = secretsOf(wanted("WEBHOOK_SECRETS"));
const api = asked.fetch && {
  base: wanted("AFTERGLOW_URL").replace(/\/+$/, ""),
  id: wanted("CLIENT_ID"),
  secret: wanted("CLIENT_SECRET"),
  token: "",
  ends: 0,
};

// ------------------------------------------------------------------------------------------------- what was here before
const seen = new Set();
const numbers = new Map(); // number -> when it came
if (existsSync(asked.file)) {
  for (const line of readFileSync(asked.file, "utf8").split("\n")) {
    try {
      const { id, sequence, at } = JSON.parse(line);
      seen.add(id);
      if (sequence !== null) numbers.set(sequence, at);
    } catch {
      // the end of the file, or a line that a crash cut off: it was not answered, and comes again
    }
  }
}
const kept = openSync(asked.file, "a");
writeSync(kept, "\n"); // ends a line that was cut off

function take(id, message) {
  if (seen.has(id)) return false;
  const row = { id, type: message.type, sequence: message.sequence, at: Date.now() };
  writeSync(kept, `${JSON.stringify(row)}\n`);
  fdatasyncSync(kept); // what was answered with 204 survives a power cut
  seen.add(id);
  if (row.sequence !== null) numbers.set(row.sequence, row.at);
  return true;
}

// ------------------------------------------------------------------------------------------------------- who sent it
function verified(headers, body) {
  // Two secrets are known while one is exchanged for the next.
  for (const secret of secrets) {
    try {
      return secret.verify(body, headers);
    } catch {
      // not this one
    }
  }
  return null;
}

async function bodyOf(request) {
  const chunks = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > LARGEST_BODY) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

async function answerTo(request) {
  if (request.url !== PATH) return 404;
  if (request.method !== "POST") return 405;
  if (Number(request.headers["content-length"] ?? 0) > LARGEST_BODY) return 413;
  const body = await bodyOf(request);
  if (body === null) return 413;
  const message = verified(request.headers, body);
  if (message === null) return 401;
  if (typeof message?.data !== "object" || message.sequence === undefined) return 400;
  const isNew = take(request.headers["webhook-id"], message);
  const number = message.sequence === null ? "-" : `#${message.sequence}`;
  const remarks = (message.test ? " (test)" : "") + (isNew ? "" : " (again, not counted)");
  console.log(`${number.padStart(6)}  ${message.type.padEnd(28)}${message.data.id}${remarks}`);
  const isReal = isNew && !message.test && message.type !== "endpoint.ping";
  if (api && isReal && message.data.url) setImmediate(look, message.data);
  return 204;
}

const server = createServer(async (request, response) => {
  const status = await answerTo(request).catch((error) => {
    console.error(`not stored: ${error.code ?? error.name}`); // it will come again
    return 503;
  });
  // After a refusal the connection ends, since the request may not have been read.
  response.writeHead(status, status === 204 ? {} : { "content-length": "0", connection: "close" }).end();
});
server.requestTimeout = 30_000;
server.keepAliveTimeout = 60_000; // a sender keeps its connection

// -------------------------------------------------------------------------------------------------- what it is all about
async function answered(url, options) {
  // A redirect would take the token along to wherever it leads.
  const answer = await fetch(url, { ...options, redirect: "error", signal: AbortSignal.timeout(15_000) });
  if (!answer.ok) throw new Error(`answered ${answer.status}`);
  return answer.json();
}

async function tokenOf(service) {
  if (Date.now() > service.ends) {
    const pair = `${encodeURIComponent(service.id)}:${encodeURIComponent(service.secret)}`;
    const given = await answered(`${service.base}/oauth/token`, {
      method: "POST",
      headers: { authorization: `Basic ${Buffer.from(pair).toString("base64")}` },
      body: new URLSearchParams({ grant_type: "client_credentials" }),
    });
    service.token = given.access_token;
    service.ends = Date.now() + (given.expires_in - 30) * 1000;
  }
  return service.token;
}

// What is fetched is health data under 42 CFR Part 2: this program only says how much it is. It tries once.
async function look({ id, url }) {
  try {
    if (!url.startsWith(`${api.base}/v1/`)) throw new Error("not an address of the service: it gets no token");
    const found = await answered(url, { headers: { authorization: `Bearer ${await tokenOf(api)}` } });
    const result = `version ${found.version ?? "-"}, ${JSON.stringify(found).length} characters`;
    console.log(`${"".padStart(6)}  ${"fetched".padEnd(28)}${id} ${result}`);
  } catch (error) {
    console.log(`${"".padStart(6)}  ${"not fetched".padEnd(28)}${id} ${error.message}`);
  }
}

// ---------------------------------------------------------------------------------------------------- what is missing
const told = new Set();
setInterval(() => {
  const inOrder = [...numbers.keys()].sort((one, other) => one - other);
  for (const old of inOrder.splice(0, inOrder.length - 1000)) numbers.delete(old);
  for (let at = 1; at < inOrder.length; at += 1) {
    const [first, last] = [inOrder[at - 1] + 1, inOrder[at] - 1];
    const waited = Date.now() - numbers.get(inOrder[at]);
    if (first > last || waited < Number(asked.patience) * 1000 || told.has(`${first}-${last}`)) continue;
    told.add(`${first}-${last}`);
    const missing = first === last ? `#${first}` : `#${first} to #${last}`;
    console.log(`${missing.padStart(6)}  missing: read the deliveries of the endpoint, or GET /v1/events`);
  }
}, Math.min(1000, Number(asked.patience) * 1000)).unref();

server.listen(Number(asked.port), asked.host, () => {
  console.log(`listening on http://${asked.host}:${server.address().port}${PATH}`);
});
process.on("SIGTERM", () => server.close(() => process.exit(0)));
