// Probot with one handler that does nothing: it verifies and parses every delivery and stores none.
// Started by benchmarks/webhook_ack.py with the number of a listening socket; the key exists for this process alone.
import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import { createNodeMiddleware, Probot } from "probot";

const { privateKey } = generateKeyPairSync("rsa", {
  modulusLength: 2048,
  publicKeyEncoding: { type: "spki", format: "pem" },
  privateKeyEncoding: { type: "pkcs1", format: "pem" },
});
const probot = new Probot({ appId: 1, privateKey, secret: process.env.WEBHOOK_SECRET, logLevel: "fatal" });
const middleware = await createNodeMiddleware((app) => app.on("issue_comment", async () => {}), {
  probot,
  webhooksPath: "/webhooks/github",
});
createServer((request, response) => {
  if (request.url === "/readyz") {
    response.writeHead(200).end();
  } else {
    middleware(request, response, () => response.writeHead(404).end());
  }
}).listen({ fd: Number(process.argv[2]) });
