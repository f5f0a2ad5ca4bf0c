import { useEffect, useState } from 'react';
import io from 'socket.io-client';

const useChat = (token) => {
  const [socket, setSocket] = useState(null);
  const [messages, setMessages] = useState([]);
  const [isTyping, setIsTyping] = useState(false);

  useEffect(() => {
    if (token) {
      const newSocket = io('http://localhost:3000', {
        auth: { token }
      });

      newSocket.on('new_message', (data) => {
        setMessages(prev => [...prev, data.message]);
      });

      newSocket.on('typing_start', (data) => {
        setIsTyping(true);
      });

      newSocket.on('typing_stopped', (data) => {
        setIsTyping(false);
      });

      setSocket(newSocket);

      return () => newSocket.close();
    }
  }, [token]);

  const sendMessage = (receiverId, content) => {
    if (socket) {
      socket.emit('send_message', {
        receiverId,
        content,
        messageType: 'text'
      });
    }
  };

  return { socket, messages, isTyping, sendMessage };
};
