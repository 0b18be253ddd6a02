package bench;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** State of a customer. */
public record Customer(
        long n,
        String last,
        Map<String, String> open,
        double ewma,
        @JsonProperty("wait_ms") long waitMs,
        List<String> touch) {

    static final Customer NEW = new Customer(0, "", Map.of(), 0.0, 0, List.of());
    private static final int TOUCHES = 5;

    Customer with(Interaction event) {
        Map<String, String> contacts = open;
        if (event.type() == Event.Type.QUEUED) {
            contacts = new HashMap<>(open);
            contacts.put(event.contactId(), event.time());
        } else if (event.type() == Event.Type.ENDED && open.containsKey(event.contactId())) {
            contacts = new HashMap<>(open);
            contacts.remove(event.contactId());
        }
        List<String> touches = new ArrayList<>(TOUCHES);
        touches.addAll(touch.size() == TOUCHES ? touch.subList(1, TOUCHES) : touch);
        touches.add(event.channel() + ":" + event.type().text);
        double average = event.sentiment() == null ? ewma : 0.7 * ewma + 0.3 * event.sentiment();
        long waited = event.waitMs() == null ? waitMs : waitMs + event.waitMs();
        return new Customer(n + 1, event.time(), contacts, average, waited, touches);
    }
}
