#include "schemas/type_topic.hpp"

namespace schemas {

bus::Topic topic_of_type(std::string_view type) {
    using bus::Topic;
    const auto word = type.substr(0, type.find('.'));
    if (word == "whatsapp") return Topic::chat;
    if (word == "ivr") return Topic::voice;
    if (word == "account") return Topic::identity;
    for (Topic topic : {Topic::email, Topic::chat, Topic::voice, Topic::billing, Topic::ticketing,
                        Topic::course, Topic::identity}) {
        if (word == bus::short_name(topic)) return topic;
    }
    return Topic::web;
}

}  // namespace schemas
