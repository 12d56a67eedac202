#!/bin/bash
# Whether the service whose management port this is is ready. usage: healthcheck.sh PORT
# The image has neither curl nor wget; bash can do it.
exec 3<>"/dev/tcp/127.0.0.1/$1" || exit 1
printf 'GET /actuator/health/readiness HTTP/1.0\r\nHost: localhost\r\n\r\n' >&3
read -r -t 3 status <&3
[[ $status == *" 200"* ]]
