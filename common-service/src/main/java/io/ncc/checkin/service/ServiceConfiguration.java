package io.ncc.checkin.service;

import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;

/** To be imported by each service. */
@Configuration(proxyBeanMethods = false)
@Import({RedisConfiguration.class, ProblemAdvice.class})
public class ServiceConfiguration {}
