/** Zero code: `node --import genspan/register app.mjs`. */
import { sdkDisabled } from "./config.ts";
import { instrument } from "./index.ts";

if (!sdkDisabled()) instrument();
