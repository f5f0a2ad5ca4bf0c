// `make demo ARGS=--once`: Ann writes to Ben through everything that the page uses. Prints what Ben's client received.
import { Api } from "./page/api.js";
import { connect } from "./page/live.js";

const TIMEOUT = 10_000;
const base = process.argv[2];

const say = (text) => console.error(`  ${text}`);

function within(promise, what) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${what}: not within ${TIMEOUT / 1000} s`)), TIMEOUT);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

// Somebody who has signed in, and listens to the conversation between Ann and Ben.
async function join(name, other) {
  const people = await new Api(base).get("/people");
  const { token } = await new Api(base).post("/session", { person_id: people.find((one) => one.name === name).id });
  const api = new Api(base, token);
  const { conversations, live } = await api.get("/start");
  const { id } = conversations.find((one) => one.person.name === other);
  const echo = connect(base, token, live);
  api.socketId = () => echo.socketId();

  const channel = echo.private(`conversation.${id}`);
  const subscribed = new Promise((resolve, reject) => {
    channel.subscribed(resolve);
    channel.error((error) => reject(new Error(`${name} may not subscribe: ${JSON.stringify(error)}`)));
  });
  await within(subscribed, `${name} subscribes to private-conversation.${id}`);
  say(`${name} is subscribed to private-conversation.${id} as ${echo.socketId()}`);
  return {
    write: (content) => api.post(`/conversations/${id}/messages`, { content }),
    next: () => within(new Promise((resolve) => channel.listen(".message.sent", resolve)), `message.sent reaches ${name}`),
  };
}

try {
  const [ben, ann] = await Promise.all([join("Ben", "Ann"), join("Ann", "Ben")]);
  const annHears = ann.next();
  annHears.catch(() => {}); // it is asked for below, unless something else failed before

  const started = performance.now();
  const [delivered] = await Promise.all([ben.next(), ann.write("Hello Ben!")]);
  say(`Ben's client has it ${Math.round(performance.now() - started)} ms after Ann began to send`);

  // On one channel the order holds: had Ann's own message come back to her, it would be here before Ben's answer.
  const [first, answer] = await Promise.all([annHears, ben.write("Hello Ann!")]);
  if (first.id !== answer.id) throw new Error(`message ${first.id} came back to its sender`);
  say("Ann's own client did not get it back");

  console.log(JSON.stringify(delivered, null, 2));
  process.exit(0);
} catch (error) {
  say(`Failed: ${error.message}`);
  process.exit(1);
}
