// The guide's own examples, word for word; what stands around them is here to see what they do.
// @ts-nocheck
const roomId = 1;
window.runs = {};

// -- Listening to Messages ----------------------------------------------------------------------------------------
import { listenToMessages } from '@/lib/websocket';

const unsubscribe = listenToMessages(roomId, (message) => {
    console.log('New message:', message);
    // Update UI with new message
});

// Cleanup
window.runs.cleanup = () => {
unsubscribe();
};

// -- Connection Status --------------------------------------------------------------------------------------------
import { getConnectionStatus } from '@/lib/websocket';

window.runs.status = () => {
const status = getConnectionStatus();
console.log('Connection status:', status); // 'connected' | 'connecting' | 'disconnected'
return status;
};

// -- Application Monitoring ---------------------------------------------------------------------------------------
// Monitor connection status
import { onConnectionError, onConnectionDisconnected } from '@/lib/websocket';

onConnectionError((error) => {
    console.error('WebSocket error:', error);
    // Send to monitoring service
});

onConnectionDisconnected(() => {
    console.warn('WebSocket disconnected');
    // Alert user or attempt reconnection
});
