// npm `@openfeature/server-sdk` with `@openfeature/ofrep-provider`, in node.

import { OFREPProvider } from "@openfeature/ofrep-provider";
import { OpenFeature } from "@openfeature/server-sdk";

import { answerLines } from "./stdio.mjs";

class Client {
  async evaluate({ kind, flag, entity, context }) {
    const asked = { targetingKey: entity, ...context };
    const client = OpenFeature.getClient();
    const details =
      kind === "boolean"
        ? await client.getBooleanDetails(flag, false, asked)
        : await client.getStringDetails(flag, "the default", asked);
    const { value, variant, reason, flagMetadata, errorCode, errorMessage } = details;
    const answer = { value, variant, reason, metadata: flagMetadata };
    return errorCode === undefined ? answer : { ...answer, error: { name: errorCode, message: errorMessage } };
  }

  async close() {
    await OpenFeature.clearProviders();
  }
}

await answerLines(async ({ url, environment, namespace, token }) => {
  const headers = [["X-Flipt-Environment", environment], ["X-Flipt-Namespace", namespace]];
  if (token) headers.push(["Authorization", `Bearer ${token}`]);
  await OpenFeature.setProviderAndWait(new OFREPProvider({ baseUrl: url, headers }));
  return new Client();
});
