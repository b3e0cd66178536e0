// Sends what a program asks of Google to the fake provider at `$PROVIDER`; programs stay as they are in a guide.
const google = "https://generativelanguage.googleapis.com";
const original = globalThis.fetch;
globalThis.fetch = (url, options) => original(String(url).replace(google, process.env.PROVIDER), options);
