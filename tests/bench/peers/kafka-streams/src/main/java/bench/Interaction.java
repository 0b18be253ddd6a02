package bench;

import com.fasterxml.jackson.annotation.JsonProperty;

/** What the customer's state needs of an event. */
public record Interaction(
        Event.Type type,
        String time,
        @JsonProperty("contact_id") String contactId,
        Event.Channel channel,
        Double sentiment,
        @JsonProperty("wait_ms") Long waitMs) {

    static Interaction of(Event event) {
        Long wait = event.waitS() == null ? null : Math.round(event.waitS() * 1000);
        return new Interaction(event.type(), event.time(), event.contactId(), event.channel(), event.sentiment(), wait);
    }
}
