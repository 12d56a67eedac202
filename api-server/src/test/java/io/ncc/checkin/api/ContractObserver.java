package io.ncc.checkin.api;

import io.ncc.checkin.testsupport.AnswerObserver;
import io.ncc.checkin.testsupport.Contract;
import java.util.Objects;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Compares every answer that an integration test gets with the contract. */
public final class ContractObserver implements AnswerObserver {

    static final Contract CONTRACT =
            Contract.read(Objects.requireNonNull(ApiApplication.class.getResource("openapi.yml")));

    @Override
    public void seen(
            @Nullable String method,
            @Nullable String path,
            int status,
            Function<String, @Nullable String> header,
            String body) {
        CONTRACT.check(method, path, status, header, body);
    }
}
