/* The one script: buttons go off when pressed, and photos wait in the browser until the network is back.
   Every form carries a nonce, so that sending it again is harmless. Without this file all forms still work. */
(function () {
  'use strict';
  var words = document.body.dataset, banner = document.getElementById('queue'), trouble = document.getElementById('trouble');
  var STORE = 'waiting', FIRST_MS = 1500, LONGEST_MS = 30000, busy = false, timer = 0;

  function show(text) { banner.textContent = text || ''; banner.hidden = !text; }
  function tell(text) { trouble.textContent = text || ''; trouble.hidden = !text; if (text) trouble.scrollIntoView(); }
  function off(form, yes) { form.querySelectorAll('button').forEach(function (one) { one.disabled = yes; }); }

  function open() {
    return new Promise(function (done, fail) {
      var asked = indexedDB.open('portal', 1);
      asked.onupgradeneeded = function () { asked.result.createObjectStore(STORE, { keyPath: 'id', autoIncrement: true }); };
      asked.onsuccess = function () { done(asked.result); };
      asked.onerror = function () { fail(asked.error); };
    });
  }
  function within(mode, work) {
    return open().then(function (db) {
      return new Promise(function (done, fail) {
        var deal = db.transaction(STORE, mode), found = work(deal.objectStore(STORE));
        deal.oncomplete = function () { db.close(); done(found.result); };
        deal.onabort = deal.onerror = function () { db.close(); fail(deal.error); };
      });
    });
  }
  function keep(item) { return within('readwrite', function (store) { return store.add(item); }); }
  function drop(id) { return within('readwrite', function (store) { return store.delete(id); }); }
  function waiting() { return within('readonly', function (store) { return store.getAll(); }); }

  /* A phone's photo of 5 MB becomes 300 kB; what cannot be drawn goes as it is, and the server says what is wrong. */
  function smaller(file, side) {
    if (!window.createImageBitmap || file.size < 400000) return Promise.resolve(file);
    return createImageBitmap(file, { imageOrientation: 'from-image' }).then(function (picture) {
      var scale = Math.min(1, side / Math.max(picture.width, picture.height)), canvas = document.createElement('canvas');
      canvas.width = Math.round(picture.width * scale);
      canvas.height = Math.round(picture.height * scale);
      canvas.getContext('2d').drawImage(picture, 0, 0, canvas.width, canvas.height);
      return new Promise(function (done) { canvas.toBlob(function (blob) { done(blob || file); }, 'image/jpeg', 0.85); });
    }).catch(function () { return file; });
  }
  function gather(form) {
    var side = Number(form.dataset.side) || 1600, parts = Array.from(new FormData(form).entries());
    return Promise.all(parts.map(function (part) {
      if (typeof part[1] === 'string') return part;
      return smaller(part[1], side).then(function (blob) { return [part[0], blob]; });
    })).then(function (fields) { return { url: form.action, fields: fields }; });
  }

  function send(item) {
    var body = new FormData();
    item.fields.forEach(function (part) {
      if (typeof part[1] === 'string') body.append(part[0], part[1]);
      else if (part[1].size) body.append(part[0], part[1], 'photo.jpg');
    });
    return fetch(item.url, { method: 'POST', body: body, credentials: 'same-origin' }).then(function (answer) {
      if (answer.status >= 500) throw new Error('later');
      if (answer.url.indexOf('/portal/login') >= 0) { location.assign(answer.url); return 'login'; }
      if (answer.ok) { location.assign(answer.url); return 'done'; }
      return answer.text().then(function (text) {
        var said = new DOMParser().parseFromString(text, 'text/html').getElementById('trouble');
        tell(said ? said.textContent : String(answer.status));
        return 'refused';
      });
    });
  }
  /* Send what waits, oldest first; a dead spot is waited out. */
  function flush(pause) {
    if (busy) return;
    busy = true;
    clearTimeout(timer);
    waiting().then(function (items) {
      if (!items.length) { show(''); return null; }
      show(words.sending);
      return send(items[0]).then(function (end) {
        if (end === 'login') return null;
        return drop(items[0].id).then(function () {
          if (end === 'refused') { show(''); document.querySelectorAll('form').forEach(function (form) { off(form, false); }); }
        });
      });
    }).catch(function () {
      show(words.offline);
      timer = setTimeout(function () { flush(Math.min(pause * 2, LONGEST_MS)); }, pause);
    }).then(function () { busy = false; });
  }

  document.addEventListener('submit', function (event) {
    var form = event.target;
    if (!form.hasAttribute('data-queue') || !window.indexedDB || !window.fetch) {
      if (form.hasAttribute('data-once')) setTimeout(function () { off(form, true); }, 0);
      return;
    }
    event.preventDefault();
    off(form, true);
    tell('');
    show(words.sending);
    gather(form).then(function (item) {
      return keep(item).then(function () { flush(FIRST_MS); }, function () { form.submit(); });
    });
  });
  window.addEventListener('online', function () { flush(FIRST_MS); });
  window.addEventListener('pageshow', function (event) {
    if (event.persisted) document.querySelectorAll('form').forEach(function (form) { off(form, false); });
  });
  if (window.indexedDB && document.querySelector('form[action="/portal/leave"]')) {
    waiting().then(function (items) { if (items.length) { show(words.resend); flush(FIRST_MS); } }, function () { });
  }
  var go = document.querySelector('form[data-go]');
  if (go) { off(go, true); go.submit(); }
})();
