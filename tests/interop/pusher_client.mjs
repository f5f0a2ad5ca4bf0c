// A real pusher-js, driven by tests/interop/clients.py.
import Pusher from "pusher-js";
import PusherBatchAuthorizer from "pusher-js-auth";
import { pusherOptions, report, reportConnection, serve } from "./line_protocol.mjs";

let pusher;

const memberList = (members) => Object.entries(members.members).map(([id, info]) => ({ id, info }));

// pusher-js tells about the subscription itself through events of these names.
const aboutTheSubscription = {
  "pusher:subscription_succeeded": (channel, data) =>
    report("subscribed", data?.members ? { channel, me: data.myID, members: memberList(data) } : { channel }),
  "pusher:subscription_error": (channel, { status = null, error, type }) =>
    report("subscription_error", { channel, status, error, error_type: type }),
  "pusher:member_added": (channel, { id, info }) => report("member_added", { channel, id, info }),
  "pusher:member_removed": (channel, { id, info }) => report("member_removed", { channel, id, info }),
};

// Not bind_global(): it is not told who sent a client event.
function reportChannel(channel) {
  const emit = channel.emit;
  channel.emit = (event, data, metadata) => {
    const about = aboutTheSubscription[event];
    const userId = metadata?.user_id === undefined ? {} : { user_id: metadata.user_id };
    if (about) about(channel.name, data);
    else report("event", { channel: channel.name, event, data, ...userId });
    return emit.call(channel, event, data, metadata);
  };
}

async function signIn() {
  pusher.user.bind("pusher:signin_error", ({ status = null, error }) => report("signin_error", { status, error }));
  pusher.signin();
  await pusher.user.signinDonePromise;
  if (!pusher.user.user_data) return;
  // pusher-js delivers what is sent to the user only once it has subscribed to this channel.
  reportChannel(pusher.user.serverToUserChannel);
  report("signed_in", { user_data: pusher.user.user_data });
}

// Has several channels asked for at once: with the package pusher-js-auth, which knows the older options only, or
// with what a file exports as `together`.
async function askTogether(how, { channelAuthorization, ...options }) {
  const { endpoint, headers } = channelAuthorization;
  if (how === "pusher-js-auth") {
    return { ...options, authorizer: PusherBatchAuthorizer, authEndpoint: endpoint, auth: { headers } };
  }
  const { together } = await import(how);
  return { ...options, channelAuthorization: { customHandler: together(endpoint, headers) } };
}

function subscribe(channel) {
  // Subscribing again to a channel still held is a no-op in pusher-js; it must not be reported twice.
  const isNew = !pusher.channel(channel);
  const subscription = pusher.subscribe(channel);
  if (isNew) reportChannel(subscription);
}

serve({
  async connect({ key, together, ...given }) {
    const options = pusherOptions(given);
    pusher = new Pusher(key, together ? await askTogether(together, options) : options);
    reportConnection(pusher);
  },
  subscribe({ channel }) {
    subscribe(channel);
  },
  subscribe_all({ channels }) {
    channels.forEach(subscribe);
  },
  unsubscribe({ channel }) {
    pusher.unsubscribe(channel);
    report("unsubscribed", { channel });
  },
  trigger({ channel, event, data }) {
    report("triggered", { channel, event, sent: pusher.channel(channel).trigger(event, data) });
  },
  signin() {
    signIn().catch((error) => report("error", { command: "signin", message: String(error) }));
  },
  disconnect() {
    pusher.disconnect();
  },
});
