// npm `@flipt-io/flipt-client-js` in node.

import { openClient } from "./flipt_js.mjs";
import { answerLines } from "./stdio.mjs";

await answerLines(openClient);
