#include "hub/pages/assets.hpp"

#include <array>

namespace hub::pages {

namespace {

constexpr std::string_view style = R"css(:root {
    color-scheme: light dark;
    --ground: #f6f6f4; --paper: #fff; --ink: #1b1d21; --soft: #565b66; --line: #8a8f99;
    --accent: #0b57a4; --on-accent: #fff; --bad: #a3160f; --bad-ground: #fdeceb; --good: #17603a;
}
@media (prefers-color-scheme: dark) {
    :root {
        --ground: #15171b; --paper: #1e2127; --ink: #eceef1; --soft: #aab0bb; --line: #7b818d;
        --accent: #8cc0ff; --on-accent: #0c1a2b; --bad: #ffb1aa; --bad-ground: #3b1d1b; --good: #8fdcb0;
    }
}
* { box-sizing: border-box; }
html { font: 100%/1.5 system-ui, "Segoe UI", Roboto, "Liberation Sans", sans-serif; -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--ground); color: var(--ink); overflow-wrap: anywhere; }
header { max-width: 34rem; margin: 0 auto; padding: 1.25rem 1rem .5rem; font-weight: 700; color: var(--soft); }
main { max-width: 34rem; margin: 0 auto 2rem; padding: 1.5rem; background: var(--paper); border: 1px solid var(--line);
    border-radius: .75rem; }
@media (max-width: 36rem) { main { border-width: 1px 0; border-radius: 0; padding: 1.25rem 1rem; } }
h1 { margin: 0 0 1rem; font-size: 1.5rem; line-height: 1.25; }
h2 { margin: 2rem 0 .5rem; font-size: 1.125rem; }
p, ul, dl, form { margin: 0 0 1rem; }
dt { color: var(--soft); }
dd { margin: 0 0 .5rem; }
a { color: var(--accent); }
label { display: block; margin: 0 0 .25rem; font-weight: 600; }
label.choice { display: flex; gap: .6rem; align-items: baseline; padding: .4rem 0; font-weight: 400; }
fieldset { margin: 0 0 1rem; padding: .5rem 1rem; border: 1px solid var(--line); border-radius: .5rem; }
legend { padding: 0 .25rem; font-weight: 600; }
input, select, button { font: inherit; }
input:not([type=checkbox], [type=radio], [type=hidden]), select { display: block; width: 100%; margin: 0 0 1rem; padding: .6rem .75rem;
    color: var(--ink); background: var(--paper); border: 1px solid var(--line); border-radius: .5rem; }
input[type=checkbox], input[type=radio] { width: 1.1rem; height: 1.1rem; flex: none; accent-color: var(--accent); }
button, .button { display: inline-block; min-height: 2.75rem; padding: .6rem 1.25rem; font-weight: 600; cursor: pointer;
    text-decoration: none; color: var(--on-accent); background: var(--accent); border: 1px solid var(--accent); border-radius: .5rem; }
button.plain, .button.plain { color: var(--accent); background: transparent; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.note { color: var(--soft); font-size: .925rem; }
.error, .warning { padding: .75rem 1rem; color: var(--bad); background: var(--bad-ground); border-left: .25rem solid var(--bad); }
.done { color: var(--good); font-weight: 600; }
.row { display: flex; flex-wrap: wrap; gap: .75rem; align-items: center; }
code { font-family: ui-monospace, "Liberation Mono", monospace; }
)css";

constexpr std::string_view icon =
    R"svg(<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#0b57a4"/><path d="M9 9h14v3L13 20h10v3H9v-3l10-8H9z" fill="#fff"/></svg>)svg";

// Without it the pages work too, only without passkeys: it shows their forms, which are hidden else.
constexpr std::string_view passkeys_script = R"js("use strict";
const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
const text = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");

async function ask(form) {
    const body = new URLSearchParams({ form_token: form.elements.form_token.value, for: form.dataset.passkey });
    const answer = await fetch("/passkeys/options", { method: "POST", body });
    if (!answer.ok) throw new Error("The hub did not answer. Load this page again.");
    return answer.json();
}

async function add(form) {
    const asked = await ask(form);
    const known = asked.known.map((id) => ({ type: "public-key", id: bytes(id) }));
    const made = await navigator.credentials.create({
        publicKey: {
            challenge: bytes(asked.challenge),
            rp: { id: asked.domain, name: "CodeZ" },
            user: { id: new TextEncoder().encode(asked.user.id), name: asked.user.email, displayName: asked.user.name },
            pubKeyCredParams: [-7, -8, -257].map((alg) => ({ type: "public-key", alg })),
            authenticatorSelection: { residentKey: "required", requireResidentKey: true, userVerification: "required" },
            excludeCredentials: known,
            attestation: "none",
            timeout: 120000,
        },
    });
    return {
        credential: text(made.rawId),
        client_data: text(made.response.clientDataJSON),
        authenticator_data: text(made.response.getAuthenticatorData()),
        public_key: text(made.response.getPublicKey()),
    };
}

async function use(form) {
    const asked = await ask(form);
    const got = await navigator.credentials.get({
        publicKey: { challenge: bytes(asked.challenge), rpId: asked.domain, userVerification: "required", timeout: 120000 },
    });
    return {
        credential: text(got.rawId),
        client_data: text(got.response.clientDataJSON),
        authenticator_data: text(got.response.authenticatorData),
        signature: text(got.response.signature),
        user_handle: got.response.userHandle ? text(got.response.userHandle) : "",
    };
}

function sentence(error) {
    if (error.name === "InvalidStateError") return "This device has a passkey for you already.";
    if (error.name === "NotAllowedError") return "No passkey was used. Try again, or use your password.";
    return error.message;
}

for (const form of window.PublicKeyCredential ? document.querySelectorAll("form[data-passkey]") : []) {
    form.hidden = false;
    form.addEventListener("submit", async (event) => {
        event.preventDefault();
        const trouble = form.querySelector("[role=alert]");
        trouble.hidden = true;
        try {
            const answer = await (form.dataset.passkey === "add" ? add(form) : use(form));
            for (const [name, value] of Object.entries(answer)) form.elements[name].value = value;
            form.submit();
        } catch (error) {
            trouble.textContent = sentence(error);
            trouble.hidden = false;
        }
    });
}
)js";

struct asset {
    std::string_view path;
    std::string_view type;
    std::string_view body;
};

constexpr std::array assets{
    asset{"/assets/codez.css", "text/css; charset=utf-8", style},
    asset{"/assets/codez.svg", "image/svg+xml", icon},
    asset{passkeys_script_path, "text/javascript; charset=utf-8", passkeys_script},
};

}  // namespace

std::optional<common::net::http_response> find_asset(std::string_view path) {
    for (const auto& found : assets) {
        if (found.path != path) continue;
        common::net::http_response response;
        response.fields.add("Content-Type", std::string(found.type));
        response.fields.add("Cache-Control", "public, max-age=600");
        response.fields.add("X-Content-Type-Options", "nosniff");
        response.fields.add("Content-Security-Policy", "default-src 'none'");
        response.body = found.body;
        return response;
    }
    return std::nullopt;
}

}  // namespace hub::pages
