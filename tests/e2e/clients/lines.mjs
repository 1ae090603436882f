// What the client programs in JavaScript have in common; the lines are those of lines.py.

export function failure(error) {
  return { error: { name: error.name, message: error.message } };
}

// Answers one line. `hold` keeps what is open between lines; `openClient` opens a place.
export async function answer(hold, asked, openClient) {
  try {
    if (asked.do === "open") {
      hold.opened = await openClient(asked);
      return {};
    }
    if (asked.do === "close") {
      await hold.opened?.close();
      hold.opened = undefined;
      return {};
    }
    if (hold.opened === undefined) throw new Error(`cannot ${asked.do} now`);
    if (asked.do === "refresh") {
      await hold.opened.refresh();
      return {};
    }
    if (asked.do === "flags") return { flags: hold.opened.flags() };
    if (asked.do === "batch") return { answers: hold.opened.batch(asked.questions) };
    const answers = [];
    for (const question of asked.questions) {
      answers.push(await hold.opened.evaluate(question).catch(failure));
    }
    return { answers };
  } catch (error) {
    return failure(error);
  }
}
