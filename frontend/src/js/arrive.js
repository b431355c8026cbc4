/** `<form data-submit-now>`: the demo's sign-in links press their own button; those of mails wait for a person. */
const form = document.querySelector("form[data-submit-now]");
if (form) form.requestSubmit();
