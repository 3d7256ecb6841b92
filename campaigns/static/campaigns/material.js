/* Copies the code of a block or a picture, and shows colours beside their codes. Both pages work
   without it: the code can be marked by hand, and a colour is a word. */

for (const button of document.querySelectorAll("[data-campaigns-copy]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const source = document.getElementById(button.dataset.campaignsCopy);
    const label = button.querySelector("span");
    const before = label.textContent;
    await navigator.clipboard.writeText(source.value);
    label.textContent = button.dataset.done;
    setTimeout(() => { label.textContent = before; }, 2000);
  });
}

for (const field of document.querySelectorAll(".campaigns-colour input")) {
  const picker = document.createElement("input");
  picker.type = "color";
  picker.className = "campaigns-colour-pick";
  picker.setAttribute("aria-label", field.labels[0].textContent.trim());
  const follow = () => { if (/^#[0-9a-f]{6}$/i.test(field.value)) picker.value = field.value; };
  follow();
  field.addEventListener("input", follow);
  picker.addEventListener("input", () => { field.value = picker.value; });
  field.after(picker);
}
