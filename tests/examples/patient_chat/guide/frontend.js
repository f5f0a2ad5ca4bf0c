// Connect to WebSocket
const socket = io('http://localhost:3000', {
  auth: {
    token: localStorage.getItem('jwt_token')
  }
});

// Listen for new messages
socket.on('new_message', (data) => {
  displayMessage(data.message);
});

// Send a message
function sendMessage(receiverId, content) {
  socket.emit('send_message', {
    receiverId,
    content,
    messageType: 'text'
  });
}

// Handle typing indicators
let typingTimeout;
function handleTyping(receiverId) {
  socket.emit('typing_start', { receiverId });
  
  clearTimeout(typingTimeout);
  typingTimeout = setTimeout(() => {
    socket.emit('typing_stop', { receiverId });
  }, 1000);
}
