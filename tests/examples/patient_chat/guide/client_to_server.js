// Connect with authentication
const socket = io('http://localhost:3000', {
  auth: {
    token: 'your_jwt_token'
  }
});

socket.emit('send_message', {
  receiverId: 'doctor_user_id',
  content: 'Hello doctor!',
  messageType: 'text', // 'text', 'file', 'image'
  fileUrl: null, // Optional: for file/image messages
  fileName: null  // Optional: for file/image messages
});

// Start typing
socket.emit('typing_start', {
  receiverId: 'doctor_user_id'
});

// Stop typing
socket.emit('typing_stop', {
  receiverId: 'doctor_user_id'
});

socket.emit('mark_read', {
  senderId: 'doctor_user_id'
});

socket.emit('set_status', {
  status: 'available' // 'available', 'busy', 'away'
});
