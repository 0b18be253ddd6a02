package bench;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.kstream.Branched;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Named;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.Repartitioned;
import org.apache.kafka.streams.kstream.TimeWindows;
import org.apache.kafka.streams.processor.TimestampExtractor;
import org.apache.kafka.streams.state.BuiltInDslStoreSuppliers;
import org.apache.kafka.streams.state.Stores;
import org.apache.kafka.streams.state.WindowStore;

/** The reference workload W on Kafka Streams. */
public final class Main {
    private static final Duration PANE = Duration.ofSeconds(10);
    // The partitions of the input are not read at one pace: no pane is closed while the load lasts.
    private static final Duration GRACE = Duration.ofHours(24);

    private Main() {}

    public static void main(String[] arguments) throws InterruptedException {
        Map<String, String> options = new HashMap<>();
        for (int i = 0; i + 1 < arguments.length; i += 2) {
            options.put(arguments[i].substring(2), arguments[i + 1]);
        }
        boolean inMemory = options.get("store").equals("memory");
        KafkaStreams streams = new KafkaStreams(topology(options.get("prefix"), inMemory), config(options, inMemory));
        CountDownLatch ended = new CountDownLatch(1);
        streams.setUncaughtExceptionHandler(error -> {
            error.printStackTrace();
            ended.countDown();
            return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
        });
        Runtime.getRuntime().addShutdownHook(new Thread(() -> streams.close(Duration.ofSeconds(10))));
        streams.start();
        ended.await();
        System.exit(1);
    }

    private static Properties config(Map<String, String> options, boolean inMemory) {
        Properties config = new Properties();
        config.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, options.get("bootstrap"));
        config.put(StreamsConfig.APPLICATION_ID_CONFIG, options.get("app"));
        config.put(StreamsConfig.STATE_DIR_CONFIG, options.get("state"));
        config.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, options.get("threads"));
        config.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
        config.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, 100);
        if (inMemory) {
            config.put(
                    StreamsConfig.DSL_STORE_SUPPLIERS_CLASS_CONFIG,
                    BuiltInDslStoreSuppliers.InMemoryDslStoreSuppliers.class);
        }
        return config;
    }

    private static Topology topology(String prefix, boolean inMemory) {
        Serde<String> text = Serdes.String();
        Serde<Customer> customer = Json.serde(Customer.class);
        Serde<Interaction> interaction = Json.serde(Interaction.class);
        Serde<Pane> pane = Json.serde(Pane.class);
        // Only read, never written.
        Serde<Checked> checked = Serdes.serdeFrom((topic, value) -> value.raw(), Json.checked());
        TimestampExtractor eventTime = (record, partitionTime) ->
                record.value() instanceof Checked it && it.event() != null ? it.time() : Math.max(partitionTime, 0);

        StreamsBuilder builder = new StreamsBuilder();
        builder.addStateStore(Stores.keyValueStoreBuilder(
                        inMemory
                                ? Stores.inMemoryKeyValueStore(Track.STORE)
                                : Stores.persistentKeyValueStore(Track.STORE),
                        text,
                        customer)
                .withCachingEnabled());

        Map<String, KStream<String, Checked>> input = builder.stream(
                        prefix + ".in", Consumed.with(text, checked).withTimestampExtractor(eventTime))
                .split(Named.as("is-"))
                .branch((key, it) -> it.event() == null, Branched.as("malformed"))
                .defaultBranch(Branched.as("good"));
        input.get("is-malformed").mapValues(Checked::raw).to(prefix + ".dead", Produced.with(text, Serdes.ByteArray()));
        KStream<String, Event> events = input.get("is-good").mapValues(Checked::event);

        events.map((key, event) -> KeyValue.pair(event.customerId(), Interaction.of(event)))
                .repartition(Repartitioned.with(text, interaction).withName("interactions").withNumberOfPartitions(4))
                .process(Track::new, Track.STORE)
                .to(prefix + ".alerts", Produced.with(text, Json.serde(Alert.class)));

        events.filter((key, event) -> event.waitS() != null)
                .map((key, event) ->
                        KeyValue.pair(event.channel() + "|" + event.queue(), Math.round(event.waitS() * 1000)))
                .groupByKey(Grouped.with("measurements", text, Serdes.Long()))
                .windowedBy(TimeWindows.ofSizeAndGrace(PANE, GRACE))
                .aggregate(
                        () -> Pane.EMPTY,
                        (key, wait, sum) -> sum.with(wait),
                        Materialized.<String, Pane, WindowStore<Bytes, byte[]>>as("panes")
                                .withKeySerde(text)
                                .withValueSerde(pane))
                .toStream((window, sum) -> window.key() + "|" + window.window().start())
                .to(prefix + ".kpis", Produced.with(text, pane));
        return builder.build();
    }
}
