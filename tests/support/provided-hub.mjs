// A hub on which people may sign in with accounts of three scripted providers.

import { Browser } from "./browser.mjs";
import { FakeProvider, certifyLoopback, passProvider, providersArgs } from "./fake-provider.mjs";
import { startWorld } from "./harness.mjs";

/** A hub with a company's provider, another one, and a GitHub. */
export async function startProvidedHub(t) {
    let company, second, github;
    const world = await startWorld(t, {
        machines: 0,
        hub: async (w) => {
            const { authority, certificate } = await certifyLoopback(w.dir);
            company = await FakeProvider.start(certificate, { metadata: { authorization_response_iss_parameter_supported: true } });
            second = await FakeProvider.start(certificate, { metadata: { token_endpoint_auth_methods_supported: ["client_secret_post"] } });
            github = await FakeProvider.start(certificate);
            for (const one of [company, second, github]) w.closers.push(() => one.stop());
            const client = ({ client: client_id, secret: client_secret }) => ({ client_id, client_secret });
            const entries = [
                { id: "company", name: "Example SSO", issuer: company.issuer, ...client(company) },
                { id: "second", name: "Second & Sons", issuer: second.issuer, ...client(second) },
                { id: "github", preset: "github", url: github.issuer, ...client(github) },
            ];
            return { serveArgs: ["--trusted-proxy", "127.0.0.0/8", ...providersArgs(w.dir, authority, entries, [company, second, github])] };
        },
    });
    const { hub } = world;
    let browsers = 0;
    const browser = (address = `192.0.2.${++browsers}`) => new Browser(hub.url, { address });
    const sessionOf = (one) => one.cookies.get(`codez_${hub.port}`);
    const isSignedIn = async (one) => (await one.request("/account")).status === 200;
    const signIn = async (one, id, path = "/sign-in") => passProvider(one, await one.go(path), id);
    const audited = async () => (await hub.admin("audit")).entries.map((entry) => `${entry.actor} ${entry.action} ${entry.subject} ${entry.result}`);
    return { world, hub, company, second, github, browser, sessionOf, isSignedIn, signIn, audited };
}
