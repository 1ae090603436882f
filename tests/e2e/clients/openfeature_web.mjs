// npm `@openfeature/web-sdk` with `@openfeature/ofrep-web-provider`, in a page.
//
// The provider gets all flags of one context at once, so a question for another context is a change of context.
// What the page's address ends with is how changes are noticed.

import { OFREPWebProvider } from "@openfeature/ofrep-web-provider";
import { OpenFeature } from "@openfeature/web-sdk";

const [changeDetection, pollInterval] = {
  "?polling": ["polling", 500],
  "?sse": ["sse", 0],
}[location.search];

class Client {
  asked = "";

  async evaluate({ kind, flag, entity, context }) {
    const wanted = { targetingKey: entity, ...context };
    if (this.asked !== JSON.stringify(wanted)) {
      await OpenFeature.setContext(wanted);
      this.asked = JSON.stringify(wanted);
    }
    const client = OpenFeature.getClient();
    const details =
      kind === "boolean" ? client.getBooleanDetails(flag, false) : client.getStringDetails(flag, "the default");
    const { value, variant, reason, flagMetadata, errorCode, errorMessage } = details;
    const answer = { value, variant, reason, metadata: flagMetadata };
    return errorCode === undefined ? answer : { ...answer, error: { name: errorCode, message: errorMessage } };
  }

  async close() {
    await OpenFeature.clearProviders();
  }
}

export async function openClient({ url, environment, namespace, token }) {
  const headers = [["X-Flipt-Environment", environment], ["X-Flipt-Namespace", namespace]];
  if (token) headers.push(["Authorization", `Bearer ${token}`]);
  const cacheMode = "disabled";
  await OpenFeature.setContext({ targetingKey: "nobody" });
  const provider = new OFREPWebProvider({ baseUrl: url, headers, pollInterval, changeDetection, cacheMode });
  await OpenFeature.setProviderAndWait(provider);
  return new Client();
}
