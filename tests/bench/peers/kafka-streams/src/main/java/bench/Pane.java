package bench;

import com.fasterxml.jackson.annotation.JsonProperty;

/** Ten seconds of a channel and queue. */
public record Pane(long count, @JsonProperty("wait_ms") long waitMs, long within) {

    static final Pane EMPTY = new Pane(0, 0, 0);

    Pane with(long wait) {
        return new Pane(count + 1, waitMs + wait, within + (wait <= 20_000 ? 1 : 0));
    }
}
