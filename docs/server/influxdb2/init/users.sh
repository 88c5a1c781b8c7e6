#!/bin/sh
# The two users of InfluxDB 1.x's way of asking, made once: homemon writes, Grafana reads.
set -eu
influx v1 dbrp create --db smartmeter --rp autogen --default --bucket-id "$DOCKER_INFLUXDB_INIT_BUCKET_ID"
influx v1 auth create --username homemon --password "$HOMEMON_PASSWORD" \
    --write-bucket "$DOCKER_INFLUXDB_INIT_BUCKET_ID"
influx v1 auth create --username grafana --password "$INFLUXDB_READ_PASSWORD" \
    --read-bucket "$DOCKER_INFLUXDB_INIT_BUCKET_ID"
