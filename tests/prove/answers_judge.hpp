// What a load was answered while its log fails, as ARCHITECTURE.md says it must be: on Kafka the
// spool takes what Kafka does not, so nothing is refused; with the log on its own disk all is.
#pragma once

#include "tests/support/checked_load.hpp"

#include <functional>
#include <string>

namespace tests::prove {

enum class Unanswered { never, at_kill };  // at_kill: the product was killed under load

// "", or what may not have been answered.
std::string answers_problem(const checker::Answers& answers, Unanswered unanswered);

// Of what was sent in an outage, and answered in it or kept: each source whose records had nowhere
// to go had events kept, and no other answer; the others' went to Kafka too. "", or what is wrong.
std::string outage_problem(const std::vector<checker::SourceAnswers>& sources,
                           const std::function<bool(const checker::SourceAnswers&)>& is_away,
                           Unanswered unanswered);

// Of what was sent and answered while nothing can be stored: each source was answered, and nothing
// else than to come again. "", or what is wrong.
std::string all_refused_problem(const std::vector<checker::SourceAnswers>& sources);

}  // namespace tests::prove
