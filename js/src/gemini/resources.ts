/** What all of Google's services say alike: names of resources (https://google.aip.dev/122), addresses. */
import { type Key, text } from "../model.ts";

/** The name of a model without what is before it. */
export const modelName = (name: unknown): string | undefined => text(name)?.split("models/").at(-1);

export const addressOf = (url: URL): Pick<Key, "address" | "port"> => ({
  address: url.hostname,
  port: Number(url.port) || { "https:": 443, "http:": 80 }[url.protocol],
});
