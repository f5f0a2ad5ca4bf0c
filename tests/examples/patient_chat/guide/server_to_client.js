socket.on('new_message', (data) => {
  console.log('New message received:', data.message);
  // data.message contains: _id, sender, receiver, content, messageType, fileUrl, fileName, isRead, createdAt
});

socket.on('message_sent', (data) => {
  console.log('Message sent successfully:', data.message);
});

socket.on('typing_start', (data) => {
  console.log('User is typing:', data.userId);
});

socket.on('typing_stopped', (data) => {
  console.log('User stopped typing:', data.userId);
});

socket.on('messages_read', (data) => {
  console.log('Messages read by:', data.userId);
});

socket.on('user_status_change', (data) => {
  console.log('User status changed:', data);
  // data contains: userId, isOnline, status
});

socket.on('error', (data) => {
  console.error('Socket error:', data.message);
});
