// The guide's "Test WebSocket Connection", in node: the host is an argument, and the private channel is authorized.
//
//   node guide.mjs 127.0.0.1 6001 http://127.0.0.1:8000/broadcasting/auth {token}
import { createRequire } from "node:module";

const Pusher = createRequire(new URL("../../interop/", import.meta.url))("pusher-js");
const [host, port, endpoint, token] = process.argv.slice(2);

const pusher = new Pusher('ask-dentist-key', {
  cluster: 'mt1',
  wsHost: host, // `host` and `port` are what pusher-js called them before version 3
  wsPort: port,
  forceTLS: false,
  enabledTransports: ['ws'],
  channelAuthorization: { endpoint, transport: 'ajax', headers: { Authorization: `Bearer ${token}` } }
});

const channel = pusher.subscribe('private-user.1');
channel.bind('plan.submitted', function(data) {
  console.log('Plan submitted:', JSON.stringify(data));
  pusher.disconnect();
});
channel.bind('pusher:subscription_succeeded', () => console.log('Subscribed'));
channel.bind('pusher:subscription_error', ({ status }) => {
  console.log('Refused:', status);
  pusher.disconnect();
});
