// Credentials of a request, wherever they stand, in whatever text they come back.
import assert from "node:assert/strict";
import test from "node:test";
import { findSecrets } from "../dist/secrets.js";

const HEADERS = [
  ["x-goog-api-key", "AIzaSyA-secret-key-1234567"],
  ["Authorization", "Bearer ya29.abcdEFGH12345678"],
  ["Cookie", "sid=abc123def456ghi789; theme=dark"],
  ["Idempotency-Key", "idem-123456-abc"],
  ["x-custom-token", "hunter22"],
  ["Proxy-Authorization", "Basic dXNlcjpwYXNzd29yZDEyMw=="],
];
const URL = "https://bob:s3cr3tPass@host.example/v1?key=AIzaOther12345678&alt=sse";
const SERVER = {
  url: "https://mcp.example/abcdef1234567890abcdef12/x",
  headers: { "X-Team": "zzz999yyy888xxx777www" },
};
const BODY = { contents: [{ token: "said" }], tools: [{ mcpServers: [SERVER] }], api_key: "body-key-value-1" };
const secrets = findSecrets(HEADERS, URL, BODY);

const CASES = {
  "key AIzaSyA-secret-key-1234567 here": "key [redacted] here",
  "ya29.abcdEFGH12345678": "[redacted]",
  abc123def456ghi789: "[redacted]",
  password123: "[redacted]",
  "user:password123": "[redacted]",
  "bob s3cr3tPass": "bob [redacted]",
  AIzaOther12345678: "[redacted]",
  abcdef1234567890abcdef12: "[redacted]",
  zzz999yyy888xxx777www: "[redacted]",
  "body-key-value-1": "[redacted]",
  "password: hunter22 and hunter22": "password: [redacted] and hunter22",
  '{"a":"Bearer hunter22"}': '{"a":"Bearer [redacted]"}',
  "https://x:pw12345@h/?token=zzz1&foo=2": "https://x:[redacted]@h/?token=[redacted]&foo=2",
  "https://h/?key=test&sig=realsecretsig99": "https://h/?key=test&sig=[redacted]",
  "https://user@host/x": "https://user@host/x",
  "idem-123456-abc, said": "idem-123456-abc, said",
};

for (const [text, expected] of Object.entries(CASES)) {
  test(text, () => assert.equal(secrets.scrub(text), expected));
}
