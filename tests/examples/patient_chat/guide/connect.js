// Connect with authentication
const socket = io('http://localhost:3000', {
  auth: {
    token: 'your_jwt_token'
  }
});
