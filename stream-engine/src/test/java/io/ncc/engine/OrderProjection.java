package io.ncc.engine;

import io.lettuce.core.api.async.RedisAsyncCommands;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionStage;

/** Orders, made into the total of each customer: how little a projection of another stream takes. */
final class OrderProjection implements Projection {

    private final ProjectionScript script;

    OrderProjection(GroupKeys keys, Mode mode) {
        script = new ProjectionScript(OrderProjection.class, "orders", keys, mode);
    }

    @Override
    public GroupKeys keys() {
        return script.keys();
    }

    @Override
    public CompletionStage<Outcome> apply(RedisAsyncCommands<String, String> commands, Batch batch) {
        List<String> customers = new ArrayList<>();
        List<String> args = new ArrayList<>();
        List<Rejected> undecodable = new ArrayList<>();
        for (Entry entry : batch.entries()) {
            Map<String, String> order = entry.fields();
            String cents = order.getOrDefault("cents", "");
            if (!cents.matches("[0-9]{1,9}")) {
                undecodable.add(new Rejected(entry.id(), "cents is no amount"));
            }
            String key = "shop:customers:" + order.get("customer");
            if (!customers.contains(key)) {
                customers.add(key);
            }
            args.add(Integer.toString(customers.indexOf(key) + 1));
            args.add(cents);
        }
        return script.run(commands, batch, undecodable, customers, args);
    }
}
