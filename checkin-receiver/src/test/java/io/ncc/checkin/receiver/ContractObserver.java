package io.ncc.checkin.receiver;

import io.ncc.checkin.testsupport.AnswerObserver;
import io.ncc.checkin.testsupport.Contract;
import java.util.Objects;

/** Compares every answer that an integration test gets with the contract. */
public final class ContractObserver implements AnswerObserver {

    static final Contract CONTRACT =
            Contract.read(Objects.requireNonNull(ReceiverApplication.class.getResource("openapi.yml")));

    @Override
    public Contract contract() {
        return CONTRACT;
    }
}
