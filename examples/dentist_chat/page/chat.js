// The dashboard, and the conversation that its address names.
import { Api } from "./api.js";
import { Chat } from "./model.js";
import { View } from "./view.js";

const OPEN = /^\/chat\/conversation\/(\d+)$/;

const start = JSON.parse(document.getElementById("start").textContent);
const api = new Api(document.querySelector("meta[name=csrf-token]").content);
const view = new View(document, (target) => {
  history.pushState(null, "", target);
  follow();
});
const chat = new Chat(api, start, view);
view.begin(chat);

function follow() {
  const [, id] = OPEN.exec(location.pathname) ?? [];
  chat.show(chat.mayTalk && id ? chat.find(Number(id)) : null);
}

addEventListener("popstate", follow);
document.addEventListener("visibilitychange", () => chat.read());
follow();
