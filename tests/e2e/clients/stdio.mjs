// Answers lines of standard input in node, until it ends.

import { createInterface } from "node:readline";

import { answer } from "./lines.mjs";

export async function answerLines(openClient) {
  const hold = {};
  for await (const line of createInterface({ input: process.stdin })) {
    process.stdout.write(JSON.stringify(await answer(hold, JSON.parse(line), openClient)) + "\n");
  }
  process.exit(0);
}
