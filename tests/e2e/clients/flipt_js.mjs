// npm `@flipt-io/flipt-client-js`, which fetches a snapshot and evaluates by itself; in node and in pages.

import { ErrorStrategy, FliptClient } from "@flipt-io/flipt-client-js";

function boolean({ enabled, reason, segmentKeys }) {
  return { value: enabled, reason, segments: segmentKeys };
}

function variant({ variantKey, match, variantAttachment, reason, segmentKeys }) {
  return { value: variantKey, match, attachment: variantAttachment ?? null, reason, segments: segmentKeys };
}

function request({ flag, entity, context }) {
  return { flagKey: flag, entityId: entity, context };
}

class Engine {
  constructor(client) {
    this.client = client;
  }

  async evaluate(question) {
    return question.kind === "boolean"
      ? boolean(this.client.evaluateBoolean(request(question)))
      : variant(this.client.evaluateVariant(request(question)));
  }

  batch(questions) {
    return this.client.evaluateBatch(questions.map(request)).responses.map((response) => {
      if (response.booleanEvaluationResponse) return boolean(response.booleanEvaluationResponse);
      if (response.variantEvaluationResponse) return variant(response.variantEvaluationResponse);
      return { error: { name: response.errorEvaluationResponse.reason, message: "" } };
    });
  }

  flags() {
    return this.client.listFlags().map((flag) => flag.key);
  }

  async refresh() {
    await this.client.refresh();
  }

  async close() {
    this.client.close?.();
  }
}

// In node the client looks for changes every second; in a page it does so only when told to.
export async function openClient({ url, environment, namespace, token }) {
  const authentication = token ? { clientToken: token } : undefined;
  const errorStrategy = ErrorStrategy.Fallback;
  const options = { url, environment, namespace, authentication, errorStrategy, updateInterval: 1 };
  return new Engine(await FliptClient.init(options));
}
