package bench;

import com.fasterxml.jackson.annotation.JsonProperty;

/** An event as it is published. */
public record Event(
        String id,
        String source,
        Type type,
        String time,
        @JsonProperty("contact_id") String contactId,
        @JsonProperty("customer_id") String customerId,
        Channel channel,
        String queue,
        Double sentiment,
        @JsonProperty("wait_s") Double waitS,
        String text) {

    public enum Type {
        @JsonProperty("contact.queued") QUEUED("contact.queued"),
        @JsonProperty("contact.connected") CONNECTED("contact.connected"),
        @JsonProperty("contact.message") MESSAGE("contact.message"),
        @JsonProperty("contact.ended") ENDED("contact.ended"),
        @JsonProperty("contact.feedback") FEEDBACK("contact.feedback");

        public final String text;

        Type(String text) {
            this.text = text;
        }
    }

    public enum Channel { voice, chat, email, messaging, social }

    /** Whether the values are what the contract says; types and names have been checked by the decoder. */
    public boolean isGood() {
        return isText(id) && isText(source) && isText(contactId) && isText(customerId) && isText(queue)
                && type != null && channel != null && time != null
                && (sentiment == null || (sentiment >= -1 && sentiment <= 1))
                && (waitS == null || waitS >= 0);
    }

    private static boolean isText(String value) {
        return value != null && !value.isEmpty();
    }
}
