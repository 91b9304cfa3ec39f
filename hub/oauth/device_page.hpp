// The pages on which a person lets a machine in. Pure functions; everything from outside is escaped.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "hub/oauth/records.hpp"
#include "hub/pages/html.hpp"

namespace hub::oauth {

// Asks for the code. `problem` may be empty.
pages::page device_code_page(std::string_view problem);

// What somebody typed, as a code: letters only, upper case. It may still be no code.
std::string clean_user_code(std::string_view typed);
// "BCDF-GHJK".
std::string shown_user_code(std::string_view code);

struct device_question {
    const device_request& machine;
    const std::vector<membership>& workspaces;  // those where the person may add machines; at least one
    std::string_view person;
    std::string_view address;  // of the person
    std::string_view form_token;
};
pages::page device_question_page(const device_question& what);

pages::page device_done_page(bool allowed, std::string_view machine_name);

}  // namespace hub::oauth
