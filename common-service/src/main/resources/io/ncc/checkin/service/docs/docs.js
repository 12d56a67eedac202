SwaggerUIBundle({
  url: '../v3/api-docs',
  dom_id: '#api',
  deepLinking: true,
  onComplete: () => {
    document.title = document.querySelector('#api .title').firstChild.textContent;
  },
});
