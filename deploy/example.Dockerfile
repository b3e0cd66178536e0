FROM python:3.12-slim
WORKDIR /srv
COPY pyproject.toml README.md LICENSE genspan/
COPY instrumentation genspan/instrumentation
COPY semconv genspan/semconv
RUN pip install --no-cache-dir './genspan[openai]'
COPY examples/openai_chat.py .
CMD ["opentelemetry-instrument", "python", "openai_chat.py"]
