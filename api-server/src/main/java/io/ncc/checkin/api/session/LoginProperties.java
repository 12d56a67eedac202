package io.ncc.checkin.api.session;

import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * The settings of logins.
 *
 * @param failuresPerAccount how many logins to one account may fail within 15 minutes, 1 or more; then every login to it is refused until the 15 minutes are over
 * @param failuresPerClient the same for the logins from one client address, 1 or more
 * @param passwordCost the bcrypt cost of the stored passwords, 4 to 16: a login takes as long as the check of a hash of this cost, also without a user
 */
@ConfigurationProperties(prefix = "checkin.login", ignoreUnknownFields = false)
public record LoginProperties(
        @DefaultValue("10") int failuresPerAccount,
        @DefaultValue("100") int failuresPerClient,
        @DefaultValue("10") int passwordCost) {

    public LoginProperties {
        require(failuresPerAccount >= 1, "failures-per-account must be 1 or more");
        require(failuresPerClient >= 1, "failures-per-client must be 1 or more");
        require(
                passwordCost >= PasswordChecks.LEAST_COST && passwordCost <= PasswordChecks.HIGHEST_COST,
                "password-cost must be from 4 to 16");
    }

    private static void require(boolean holds, String rule) {
        if (!holds) {
            throw new IllegalArgumentException("checkin.login." + rule);
        }
    }
}
