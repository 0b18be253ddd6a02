package bench;

import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;

/** Keeps the customers' states and raises their alerts. */
final class Track implements Processor<String, Interaction, String, Alert> {
    static final String STORE = "customers";
    private static final double LIMIT = -0.6;

    private ProcessorContext<String, Alert> context;
    private KeyValueStore<String, Customer> customers;

    @Override
    public void init(ProcessorContext<String, Alert> context) {
        this.context = context;
        customers = context.getStateStore(STORE);
    }

    @Override
    public void process(Record<String, Interaction> record) {
        Customer found = customers.get(record.key());
        Customer was = found == null ? Customer.NEW : found;
        Customer is = was.with(record.value());
        customers.put(record.key(), is);
        if (is.ewma() < LIMIT && was.ewma() >= LIMIT && is.n() >= 3) {
            context.forward(record.withValue(new Alert(record.key(), is.ewma(), is.n())));
        }
    }
}
