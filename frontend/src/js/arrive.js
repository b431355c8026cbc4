/** `<form data-submit-now>`: a person who opens a sign-in link is signed in at once; programs that only fetch links are not. */
const form = document.querySelector("form[data-submit-now]");
if (form) form.requestSubmit();
