FROM python:3.12-slim
WORKDIR /srv
COPY pyproject.toml README.md LICENSE genspan/
COPY instrumentation genspan/instrumentation
COPY semconv genspan/semconv
RUN pip install --no-cache-dir 'mlflow==3.17.2' psycopg2-binary boto3 './genspan[mlflow-gateway]'
