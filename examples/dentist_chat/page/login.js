// One click fills in an account of the demo.
for (const button of document.querySelectorAll("[data-email]")) {
  button.addEventListener("click", () => {
    document.getElementById("email").value = button.dataset.email;
    document.getElementById("password").value = button.dataset.password;
    document.querySelector("#sign-in form").requestSubmit();
  });
}
