// Who is at this window, and the chat in that person's name.
import { Api, ApiError } from "./api.js";
import { Chat } from "./chat.js";
import { View } from "./view.js";

// Session storage belongs to one window, which a cookie does not: two windows can be two people.
const TOKEN = "chat-token";

const view = new View(document);

async function choose() {
  sessionStorage.removeItem(TOKEN);
  const api = new Api(location.origin);
  view.showPeople(await api.get("/people"), async (person) => {
    const { token } = await api.post("/session", { person_id: person.id });
    sessionStorage.setItem(TOKEN, token);
    await begin(token);
  });
}

async function begin(token) {
  const api = new Api(location.origin, token);
  try {
    const chat = new Chat(api, await api.get("/start"), view, { onSignedOut: () => guarded(choose) });
    view.showChat(chat);
  } catch (error) {
    // The server has forgotten who we are: it keeps that in memory.
    if (error instanceof ApiError && error.status === 401) return choose();
    throw error;
  }
}

function guarded(step, ...args) {
  step(...args).catch((error) => view.trouble(`That did not work: ${error.message}`));
}

const token = sessionStorage.getItem(TOKEN);
guarded(token ? begin : choose, token);
