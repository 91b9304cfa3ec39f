// The handlers of the catalogue's tools on a machine; see proto/tools/*.json for what each takes and gives.
#pragma once

#include "agent/tools/tool.hpp"

namespace agent::tools {

answer list_machines(const services& s, const call_context& c);
answer get_machine(const services& s, const call_context& c);
answer get_health(const services& s, const call_context& c);
answer get_health_details(const services& s, const call_context& c);
answer list_projects(const services& s, const call_context& c);
answer list_sessions(const services& s, const call_context& c);
answer get_session(const services& s, const call_context& c);
answer create_session(const services& s, const call_context& c);
answer fork_session(const services& s, const call_context& c);
answer rewind_session(const services& s, const call_context& c);
answer update_session(const services& s, const call_context& c);
answer send_prompt(const services& s, const call_context& c);
answer send_and_wait(const services& s, const call_context& c);
answer poll_events(const services& s, const call_context& c);
answer get_events(const services& s, const call_context& c);
answer respond_permission(const services& s, const call_context& c);
answer revoke_grant(const services& s, const call_context& c);
answer list_permissions(const services& s, const call_context& c);
answer abort_session(const services& s, const call_context& c);
answer dispose_session(const services& s, const call_context& c);
answer session_diff(const services& s, const call_context& c);
answer get_state(const services& s, const call_context& c);
answer update_state(const services& s, const call_context& c);

}  // namespace agent::tools
