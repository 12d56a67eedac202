package io.ncc.checkin.system;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import generated.api.CheckinsApi;
import generated.api.LocationsApi;
import generated.api.PullingApi;
import generated.api.UsersApi;
import generated.api.model.CheckinPage;
import generated.api.model.CheckinStatus;
import generated.api.model.Ids;
import generated.api.model.Location;
import generated.api.model.Problem;
import generated.api.model.PulledCheckin;
import generated.api.model.User;
import generated.receiver.DefaultApi;
import generated.receiver.model.BatchResult;
import generated.receiver.model.Checkin;
import generated.receiver.model.Id;
import io.ncc.checkin.api.ApiApplication;
import io.ncc.checkin.processor.ProcessorApplication;
import io.ncc.checkin.receiver.ReceiverApplication;
import io.ncc.checkin.testsupport.RealRedis;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.springframework.context.ConfigurableApplicationContext;

/** Clients that are generated from the contracts get along with the services. */
@Timeout(120)
final class GeneratedClientIT {

    @RegisterExtension
    static final RealRedis redis = RealRedis.server();

    private static final List<ConfigurableApplicationContext> services = new ArrayList<>();
    private static final generated.api.ApiClient api = new generated.api.ApiClient();

    private static DefaultApi receiver = new DefaultApi();

    @BeforeAll
    static void start() {
        String[] settings = {"--server.port=0", "--spring.data.redis.url=" + redis.uri()};
        services.add(ReceiverApplication.run(settings));
        services.add(ApiApplication.run(settings));
        services.add(ProcessorApplication.run(settings));
        var client = new generated.receiver.ApiClient();
        client.updateBaseUri(url(services.get(0)));
        receiver = new DefaultApi(client);
        api.updateBaseUri(url(services.get(1)));
    }

    @AfterAll
    static void stop() {
        services.forEach(ConfigurableApplicationContext::close);
    }

    private static String url(ConfigurableApplicationContext service) {
        return "http://localhost:" + service.getEnvironment().getRequiredProperty("local.server.port");
    }

    private static Checkin checkin(long userId, int stars) {
        return new Checkin().userId(new Id(userId)).locationId(new Id("171")).starRating(stars);
    }

    /** Stores as many checkins, and returns their ids. */
    private static List<String> post(int count) throws generated.receiver.ApiException {
        List<Checkin> batch = IntStream.rangeClosed(1, count)
                .mapToObj(user -> checkin(user, user % 6))
                .toList();
        return receiver.postCheckins(batch, null, null).getResults().stream()
                .map(BatchResult::getId)
                .toList();
    }

    @Test
    void aRepeatedPostHasTheIdOfTheFirst() throws generated.receiver.ApiException {
        String id = receiver.postCheckin(checkin(789, 5), "once").getId();
        assertThat(id).isNotBlank();
        assertThat(receiver.postCheckin(checkin(789, 5), "once").getId()).isEqualTo(id);
        assertThat(receiver.postCheckin(checkin(789, 5), null).getId()).isNotEqualTo(id);
    }

    @Test
    void whatIsStoredIsInTheTotalsAndInThePages() throws Exception {
        List<String> ids = post(25);
        String last = ids.get(24);

        User user = new UsersApi(api).getUser(25L, last, "20s");
        assertThat(user.getNumCheckins()).isEqualTo(1);
        assertThat(user.getLastCheckinId()).isEqualTo(last);
        assertThat(user.getFirstName()).isNull();
        Location location = new LocationsApi(api).getLocation(171L, last, "20s");
        assertThat(location.getNumCheckins()).isEqualTo(25);

        CheckinsApi checkins = new CheckinsApi(api);
        List<String> seen = new ArrayList<>();
        CheckinPage page = checkins.listCheckins("2021-01-01", null, 10, "asc", null);
        page.getItems().forEach(item -> seen.add(item.getId()));
        while (page.getNext() != null) {
            String cursor = page.getNext().substring(page.getNext().indexOf('=') + 1);
            page = checkins.listCheckins(null, null, null, null, cursor);
            page.getItems().forEach(item -> seen.add(item.getId()));
        }
        assertThat(seen).isEqualTo(ids);
        assertThat(checkins.getCheckin(last).getStatus()).isEqualTo(CheckinStatus.StatusEnum.APPLIED);
        assertThat(checkins.getLatestCheckin().getId()).isEqualTo(last);
    }

    @Test
    void whatIsPulledCanBeAcknowledged() throws Exception {
        List<String> ids = post(3);
        PullingApi pulling = new PullingApi(api);
        pulling.createGroup("mine", "0");
        List<String> pulled = pulling.pullCheckins("mine", "me", 10, "20s", "manual", null, false).getItems().stream()
                .map(PulledCheckin::getId)
                .toList();
        assertThat(pulled).isEqualTo(ids);
        assertThat(pulling.acknowledgeCheckins("mine", new Ids().ids(pulled)).getAcknowledged())
                .isEqualTo(3);
        pulling.removeGroup("mine");
    }

    @Test
    void anErrorIsAProblem() {
        var missing =
                catchThrowableOfType(generated.api.ApiException.class, () -> new UsersApi(api).getUser(1L, null, null));
        assertThat(missing.getCode()).isEqualTo(404);
        Problem problem = api.getObjectMapper().readValue(missing.getResponseBody(), Problem.class);
        assertThat(problem.getType()).hasToString("urn:checkins:problem:not-found");
        assertThat(problem.getStatus()).isEqualTo(404);

        var refused = catchThrowableOfType(
                generated.receiver.ApiException.class, () -> receiver.postCheckin(checkin(1, 6), null));
        assertThat(refused.getCode()).isEqualTo(400);
        assertThat(api.getObjectMapper()
                        .readValue(refused.getResponseBody(), Problem.class)
                        .getErrors()
                        .get(0)
                        .getPointer())
                .isEqualTo("/starRating");
    }
}
