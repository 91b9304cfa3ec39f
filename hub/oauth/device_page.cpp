#include "hub/oauth/device_page.hpp"

#include <fmt/format.h>

#include "common/crypto/machine_id.hpp"
#include "hub/people/parts.hpp"
#include "hub/people/sessions.hpp"

namespace hub::oauth {

using pages::escape;

namespace {

std::string workspace_choice(const std::vector<membership>& workspaces) {
    if (workspaces.size() == 1)
        return fmt::format(
            "<input type=\"hidden\" name=\"workspace\" value=\"{}\"><p>It joins the workspace <strong>{}</strong>.</p>",
            escape(workspaces.front().workspace_id), escape(workspaces.front().workspace_name));
    std::string html = "<fieldset><legend>Which workspace does it join?</legend>";
    for (const auto& one : workspaces)
        html += fmt::format(
            "<label class=\"choice\"><input type=\"radio\" name=\"workspace\" value=\"{}\" required> {}</label>",
            escape(one.workspace_id), escape(one.workspace_name));
    return html + "</fieldset>";
}

}  // namespace

pages::page device_code_page(std::string_view problem) {
    pages::page page;
    page.status = problem.empty() ? 200 : 404;
    page.title = "Add a machine";
    page.main = people::error_html(problem) +
                "<p>Type the code that <code>codez setup</code> shows on the machine.</p>"
                "<form method=\"get\" action=\"/device\">" +
                people::input_html({.label = "Code",
                                    .name = "user_code",
                                    .more = "required autofocus autocapitalize=\"characters\" spellcheck=\"false\""}) +
                "<button>Go on</button></form>";
    return page;
}

std::string clean_user_code(std::string_view typed) {
    std::string code;
    for (const char c : typed) {
        if (c >= 'A' && c <= 'Z') code += c;
        if (c >= 'a' && c <= 'z') code += static_cast<char>(c - 'a' + 'A');
        if (code.size() > user_code_letters) break;
    }
    return code;
}

std::string shown_user_code(std::string_view code) {
    return std::string(code.substr(0, user_code_letters / 2)) + "-" + std::string(code.substr(user_code_letters / 2));
}

pages::page device_question_page(const device_question& what) {
    pages::page page;
    page.title = "Add this machine?";
    const bool elsewhere = what.machine.address != what.address;
    page.main = fmt::format(
        "<dl><dt>Machine</dt><dd><strong>{name}</strong> ({os})</dd>"
        "<dt>Key, as the machine shows it</dt><dd><code>{fingerprint}</code></dd>"
        "<dt>It asks from the address</dt><dd>{address}</dd></dl>"
        "<p class=\"warning\">Continue only if you have just started <code>codez setup</code> on this very machine and it shows the "
        "same key. {elsewhere}</p>"
        "<p>Once added, members of the workspace can run Claude Code on it, within its own policy. You are signed in as "
        "<strong>{person}</strong>.</p>"
        "<form method=\"post\" action=\"/device\"><input type=\"hidden\" name=\"user_code\" value=\"{code}\">{token}{workspaces}"
        "<div class=\"row\"><button name=\"decision\" value=\"allow\">Add this machine</button> "
        "<button name=\"decision\" value=\"refuse\" class=\"plain\" formnovalidate>Refuse</button></div></form>",
        fmt::arg("name", escape(what.machine.machine_name)), fmt::arg("os", escape(what.machine.machine_os)),
        fmt::arg("fingerprint", escape(common::crypto::shown_fingerprint(what.machine.machine_id))),
        fmt::arg("address", escape(what.machine.address)),
        fmt::arg("elsewhere", elsewhere ? fmt::format("It is <strong>not</strong> where you are: your address is {}.",
                                                      escape(what.address))
                                        : ""),
        fmt::arg("person", escape(what.person)), fmt::arg("code", escape(what.machine.user_code)),
        fmt::arg("token", people::form_token_field(what.form_token)),
        fmt::arg("workspaces", workspace_choice(what.workspaces)));
    return page;
}

pages::page device_done_page(bool allowed, std::string_view machine_name) {
    pages::page page;
    page.title = allowed ? "Added" : "Refused";
    page.main =
        allowed
            ? fmt::format("<p class=\"done\" role=\"status\">{} goes on by itself now. You can close this page.</p>",
                          escape(machine_name))
            : "<p role=\"status\">The machine was not added. You can close this page.</p>";
    return page;
}

}  // namespace hub::oauth
