/**
 * Foreign HTML in its own shadow root. Where the parser made the root there is nothing to do; elsewhere it is made here.
 *
 *     <tiski-message hx-ignore><template shadowrootmode="open"><link rel="stylesheet" href="message.css">…</template></tiski-message>
 */

class Message extends HTMLElement {
  connectedCallback() {
    const template = this.querySelector("template");
    if (this.shadowRoot || !template) return;
    this.attachShadow({ mode: "open" }).append(template.content);
    template.remove();
  }
}

customElements.define("tiski-message", Message);
